from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from egx_project.access.rows import Lines, Rows, as_yaml
from gateways.models import Backend, Listener, Policy, PublishedPort, Route

METADATA = ("namespace", "name", as_yaml("labels"), as_yaml("annotations"))
TIMES = ("created_at", "updated_at")


class ListenerLines(Lines):
    model = Listener
    fields = ("name", "protocol", "port", "hostname", as_yaml("spec"))
    show_change_link = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Listener]:
        listeners: QuerySet[Listener] = super().get_queryset(request)
        return listeners.select_related("port")


class PortLines(Lines):
    model = PublishedPort
    fields = ("number", "target")

    def get_queryset(self, request: HttpRequest) -> QuerySet[PublishedPort]:
        ports: QuerySet[PublishedPort] = super().get_queryset(request)
        return ports.select_related("target")


@admin.register(Listener)
class Listeners(Rows):
    list_display = ("name", "gateway", "protocol", "port", "hostname")
    list_filter = ("protocol", "gateway__target")
    list_select_related = ("gateway", "port")
    search_fields = ("name", "hostname", "gateway__name", "port__number__exact")
    fields = ("gateway", "position", "name", "protocol", "port", "hostname", as_yaml("spec"))


@admin.register(Route)
class Routes(Rows):
    list_display = ("name", "namespace", "kind", "attached_to", "updated_at")
    list_filter = ("kind", "namespace", "updated_at")
    search_fields = ("name", "namespace")
    fields = ("kind", *METADATA, "gateways", "backends", as_yaml("spec"), *TIMES)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Route]:
        routes: QuerySet[Route] = super().get_queryset(request)
        return routes.prefetch_related("gateways")

    @admin.display(description="gateways")
    def attached_to(self, route: Route) -> str:
        return ", ".join(str(gateway) for gateway in route.gateways.all())


@admin.register(Backend)
class Backends(Rows):
    list_display = ("name", "namespace", "kind", "updated_at")
    list_filter = ("kind", "namespace", "updated_at")
    search_fields = ("name", "namespace")
    fields = ("kind", *METADATA, as_yaml("spec"), *TIMES)


@admin.register(Policy)
class Policies(Rows):
    list_display = ("name", "namespace", "kind", "api_version", "updated_at")
    list_filter = ("kind", "namespace", "updated_at")
    search_fields = ("name", "namespace", "kind")
    fields = ("api_version", "kind", *METADATA, as_yaml("spec"), *TIMES)
