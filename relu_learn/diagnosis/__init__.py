"""What is outside the class, with a witness."""
