"""All concerns, as Django wants them: in one module."""

from __future__ import annotations

from egx_project.settings.access import *
from egx_project.settings.api import *
from egx_project.settings.builds import *
from egx_project.settings.core import *
from egx_project.settings.data import *
from egx_project.settings.docker import *
from egx_project.settings.engines import *
from egx_project.settings.network import *
from egx_project.settings.observability import *
from egx_project.settings.realtime import *
from egx_project.settings.updates import *
from egx_project.settings.work import *
