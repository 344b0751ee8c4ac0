"""One typed async client per service over one transport: HTTP between containers, or an app in this process."""
