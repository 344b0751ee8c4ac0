from spanbridge_projection.app import create_app
from spanbridge_projection.settings import ProjectionSettings
from spanbridge_shared.serving.run import run_service

if __name__ == "__main__":
    run_service(create_app, ProjectionSettings)
