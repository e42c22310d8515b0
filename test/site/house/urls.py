from django.urls import path

from . import views

urlpatterns = [
    path("", views.house, name="house"),
    path("sensors/<int:pk>/", views.sensor, name="sensor"),
    path("lamps/<int:pk>/switch/", views.switch, name="switch"),
]
