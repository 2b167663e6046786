"""What is done with a copy: attack with it, verify it, make it smaller; and the class next door."""
