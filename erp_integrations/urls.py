from __future__ import annotations

from django.urls import path

from erp_integrations import views

app_name = "erp_integrations"
urlpatterns = [
    path("", views.connections, name="connections"),
    path("supported/", views.supported, name="supported"),
    path("new/<slug:erp>/", views.new_connection, name="new_connection"),
    path("new/<slug:erp>/<uuid:guid>/", views.connecting, name="connecting"),
    path("questions/<uuid:guid>/", views.question, name="question"),
    path("<slug:slug>/context/", views.context, name="context"),
    path("<slug:slug>/gl-accounts/", views.gl_accounts, name="gl_accounts"),
    path("<slug:slug>/gl-accounts/sync/", views.sync_gl_accounts, name="sync_gl_accounts"),
    path("<slug:slug>/settings/", views.edit_settings, name="settings"),
    path("<slug:slug>/settings/test/", views.test_connection, name="test_connection"),
    path("<slug:slug>/settings/pause/", views.pause, name="pause"),
    path("<slug:slug>/settings/resume/", views.resume, name="resume"),
]
