"""Models of sentiment: what makes them, and what serves them. Nothing here tells anybody that it is used."""

import os

# From 1.29 on onnxruntime as its makers build it keeps an id of the machine and sends them what is run, unless this
# stands there before it is loaded; its thread for that also breaks processes that fork. The hub's library asks too.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
