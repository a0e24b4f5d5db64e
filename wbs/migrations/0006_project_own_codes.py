"""Codes that one project alone has."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('wbs', '0005_projects'),
    ]

    operations = [
        migrations.CreateModel(
            name='OwnCode',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(max_length=100)),
                ('code_key', models.CharField(editable=False, max_length=300)),
                ('description', models.CharField(max_length=4095)),
                ('sort_key', models.CharField(editable=False, max_length=1000)),
                ('project', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='own_codes', to='wbs.project')),
            ],
            options={
                'ordering': ['sort_key', 'id'],
                'constraints': [models.UniqueConstraint(fields=('project', 'code_key'), name='one_own_code_per_project')],
            },
        ),
    ]
