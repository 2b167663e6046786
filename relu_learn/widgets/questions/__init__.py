"""The tasks of the lessons: questions, hints and answers, out of sight of the notebooks."""
