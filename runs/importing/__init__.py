"""Takes over the records of the published kneo-serv: see ``runs.importing.rounds``."""
