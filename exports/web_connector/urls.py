from __future__ import annotations

from django.urls import path

from exports.web_connector import views

app_name = "web_connector"
urlpatterns = [
    path("", views.endpoint, name="endpoint"),
    path("support/", views.support, name="support"),
]
