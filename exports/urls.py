from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from exports.views import actions, code, defaults, history, link, review, rules, sending
from exports.web_connector import views as web_connector

app_name = "exports"

one_code = [
    path("", code.code, name="code"),
    path("assign/", code.assign, name="assign"),
    path("reset/", actions.reset, name="reset"),
    path("retry/", actions.retry, name="retry"),
    path("cancel/", actions.cancel, name="cancel"),
    path("link/", actions.link, name="link"),
    path("accept-change/", link.accept_change, name="accept_change"),
    path("update/", code.export_update, name="update"),
    path("unlink/", link.unlink, name="unlink"),
    path("reject/", actions.reject_one, name="reject_one"),
]

review_page: list[URLPattern | URLResolver] = [
    path("", review.standard_cost_codes, name="standard_cost_codes"),
    path("poll/", review.poll, name="poll"),
    path("export/", actions.export, name="export"),
    path("reject/", actions.reject, name="reject"),
    path("retry/", actions.retry_selected, name="retry_selected"),
    path("set-accounts/", actions.set_accounts, name="set_accounts"),
    path("batches/<int:pk>/undo/", actions.undo, name="undo"),
    path("batches/<int:pk>/reason/", actions.reason, name="reason"),
    path("<int:pk>/", include(one_code)),
]

export_history = [
    path("", history.history, name="history"),
    path("<int:pk>/", history.batch, name="batch"),
    path("<int:pk>/codes.csv", history.batch_csv, name="batch_csv"),
]

default_accounts = [
    path("", defaults.default_accounts, name="default_accounts"),
    path("<int:pk>/", defaults.default_accounts_of, name="default_accounts_of"),
]

existing_items = [
    path("", link.link_page, name="link_page"),
    path("lost/", link.lost_page, name="lost_page"),
    path("read/", link.read_items, name="read_items"),
    path("selected/", link.link_selected, name="link_selected"),
]

urlpatterns = [
    path("send/", sending.send, name="send"),
    path("recall/", sending.recall, name="recall"),
    path("<slug:slug>/standard-cost-codes/", include(review_page)),
    path("<slug:slug>/default-accounts/", include(default_accounts)),
    path("<slug:slug>/link/", include(existing_items)),
    path("<slug:slug>/history/", include(export_history)),
    path("<slug:slug>/rules/", rules.rules, name="rules"),
    path("<slug:slug>/settings/qwc/", web_connector.download_qwc, name="download_qwc"),
    path("<slug:slug>/settings/password/", web_connector.new_password, name="new_password"),
]
