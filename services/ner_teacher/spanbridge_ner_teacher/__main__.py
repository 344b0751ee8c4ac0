"""`python -m spanbridge_ner_teacher`."""

from spanbridge_ner_teacher.app import create_app
from spanbridge_ner_teacher.settings import NerTeacherSettings
from spanbridge_shared.serving.run import run_service

if __name__ == "__main__":
    run_service(create_app, NerTeacherSettings)
