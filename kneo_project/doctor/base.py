"""What this layer can look at, in the order in which a person asks."""

from kneo_project.doctor import configuration, databases, surroundings
from kneo_project.doctor.findings import Examination

OF_DATABASE = (
    Examination(subject=databases.DATABASE, examine=databases.database),
    Examination(subject=databases.MIGRATIONS, examine=databases.migrations),
    Examination(subject=databases.CLOCK, examine=databases.clock),
)
OF_SURROUNDINGS = (
    Examination(subject=surroundings.BROKER, examine=surroundings.broker),
    Examination(subject=surroundings.DISK, examine=surroundings.disk),
    Examination(subject=configuration.SECRETS, examine=configuration.secrets),
    Examination(subject=configuration.SETTINGS, examine=configuration.deployment),
)
