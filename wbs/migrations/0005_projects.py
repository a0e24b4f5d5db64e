"""Projects, and which of the company's codes each uses."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('companies', '0003_mail'),
        ('erp_integrations', '0002_pulled_charts'),
        ('wbs', '0004_long_checks'),
    ]

    operations = [
        migrations.CreateModel(
            name='Project',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.CharField(max_length=40)),
                ('number_key', models.CharField(editable=False, max_length=120)),
                ('name', models.CharField(max_length=100)),
                ('search_key', models.CharField(editable=False, max_length=423)),
                ('sort_key', models.CharField(editable=False, max_length=400)),
                ('version', models.PositiveIntegerField(default=1)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('company', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='projects', to='companies.company')),
                ('connection', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='projects', to='erp_integrations.connection')),
            ],
            options={
                'ordering': ['sort_key', 'id'],
            },
        ),
        migrations.CreateModel(
            name='ProjectCode',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('added_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('item', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='project_codes', to='wbs.segmentitem')),
                ('project', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='codes', to='wbs.project')),
            ],
        ),
        migrations.AddConstraint(
            model_name='project',
            constraint=models.UniqueConstraint(fields=('company', 'number_key'), name='one_project_per_number'),
        ),
        migrations.AddConstraint(
            model_name='projectcode',
            constraint=models.UniqueConstraint(fields=('project', 'item'), name='one_row_per_project_and_code'),
        ),
    ]
