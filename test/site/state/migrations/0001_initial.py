from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="State",
            fields=[
                (
                    "topic",
                    models.CharField(
                        max_length=500, primary_key=True, serialize=False
                    ),
                ),
                ("payload", models.TextField()),
                ("updated", models.DateTimeField(auto_now=True)),
            ],
        ),
    ]
