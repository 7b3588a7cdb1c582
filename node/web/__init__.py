"""The web page of a gateway: trading, explorer, risk; static files and a JSON API over the same services as gRPC."""
