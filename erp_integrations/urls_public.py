from __future__ import annotations

from django.urls import path

from erp_integrations import views

app_name = "erp_integrations_public"
urlpatterns = [path("supported-erps/", views.public_supported, name="supported")]
