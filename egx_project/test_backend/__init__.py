"""The backend that the demo gateway and the tests send traffic to. Plain ASGI: no Django, little memory."""
