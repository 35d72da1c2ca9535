"""The dialog for columns of the experiment."""
