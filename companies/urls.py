from __future__ import annotations

from django.contrib.auth.views import LogoutView
from django.urls import path

from companies import views

app_name = "companies"
urlpatterns = [
    path("", views.home, name="home"),
    path("login/", views.sign_in, name="sign_in"),
    path("logout/", LogoutView.as_view(), name="sign_out"),
    path("companies/<slug:company>/admin/members/", views.members, name="members"),
    path("companies/<slug:company>/admin/members/add/", views.add, name="add"),
    path("companies/<slug:company>/admin/members/four-eyes/", views.four_eyes, name="four_eyes"),
    path("companies/<slug:company>/admin/members/<int:member_id>/change/", views.change, name="change"),
    path("companies/<slug:company>/admin/members/<int:member_id>/remove/", views.remove, name="remove"),
]
