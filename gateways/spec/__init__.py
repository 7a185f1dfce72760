"""Desired state in Gateway API terms, as plain typed values: no Django, no I/O.

`objects` is what people write, one class a kind; `snapshot` is one gateway with everything it needs, as a runtime's
driver is given it.
"""
