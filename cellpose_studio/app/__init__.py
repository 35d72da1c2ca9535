"""The running application without widgets: session, jobs and settings."""
