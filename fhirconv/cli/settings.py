"""fhirconv settings: what holds for a server, and where each of it was said."""

from fhirconv.cli import options, reach, show
from fhirconv.cli.verb import verb


@verb("fhirconv settings --server http://localhost:8080/fhir")
@reach.options
@options.form
@options.speech
def settings(form: str) -> None:
    """Show what holds for a server: how it is reached, and who we are to it.

    Options come before the environment (FHIRCONV_TOKEN, FHIRCONV_CA ...), and that before the
    file of settings. A secret is never shown, only where it comes from. No server is asked.
    """
    from fhirconv.connection import session_of
    from fhirconv.profiles import Value
    from fhirconv.settings import as_shown

    held = reach.settings()
    session_of(held).close()  # so that files and credentials that cannot be used are told now
    listed = dict(held.values)
    listed.setdefault("auth", Value(held.auth, "the credentials that are set", 2))
    listed |= {f"header {name}": value for name, value in held.headers.items()}
    rows = [[name, as_shown(value), value.source] for name, value in listed.items()]
    if form == "json":
        show.document({name: {"value": value, "from": source} for name, value, source in rows})
        return
    title = f"server {held.profile}".rstrip()
    show.table(title, ("setting", "value", "from"), rows)
