"""The web process's side of predictions (interface first; the process behind it follows)."""

from vit_core.inference.results import Answer, ImageAnswer, Prediction, Request, ServiceStatus

__all__ = ["Answer", "ImageAnswer", "Prediction", "Request", "ServiceStatus"]
