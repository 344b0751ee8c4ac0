"""Wire models: what travels between client, gateway and services. One file per service; unknown fields are refused."""
