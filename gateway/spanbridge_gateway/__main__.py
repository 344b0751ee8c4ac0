"""`python -m spanbridge_gateway`."""

from spanbridge_gateway.app import create_app
from spanbridge_gateway.settings import GatewaySettings
from spanbridge_shared.serving.run import run_service

if __name__ == "__main__":
    run_service(create_app, GatewaySettings)
