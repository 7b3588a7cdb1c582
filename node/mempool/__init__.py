"""The application's own mempool (`mempool.type = "app"`)."""
