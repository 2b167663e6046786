"""A model as a prediction service, with the defences that such services have."""
