from django.urls import path

import chat.views
import state.views

urlpatterns = [
    path("", chat.views.index, name="index"),
    path("chat/<slug:room>/", chat.views.room, name="room"),
    path("state/", state.views.index, name="state"),
]
