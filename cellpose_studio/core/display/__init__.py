"""Images, masks and figures as they are displayed."""
