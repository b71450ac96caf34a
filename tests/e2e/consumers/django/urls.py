from django.urls import path

from webhooks import receive

urlpatterns = [path("webhooks/clarife", receive)]
