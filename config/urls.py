from __future__ import annotations

from django.urls import include, path

# Django looks them through one by one: what is asked for most comes first.
urlpatterns = [
    path("companies/<slug:company>/erp-integrations/", include("exports.urls")),
    path("", include("config.health")),
    path("", include("companies.urls")),
    path("", include("erp_integrations.urls_public")),
    path("web-connector/<uuid:connection_id>/", include("exports.web_connector.urls")),
    path("companies/<slug:company>/", include("wbs.urls")),
    path("companies/<slug:company>/erp-integrations/", include("erp_integrations.urls")),
]

handler500 = "config.trouble.answer_error"
