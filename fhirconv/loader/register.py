"""The register: what became of each parcel goes to the journal, the dead letters, the account."""

from collections.abc import Sequence
from dataclasses import dataclass

from fhirconv.errors import ServerError
from fhirconv.loader.account import Account
from fhirconv.loader.carrier import AgainError
from fhirconv.loader.journal import REFUSED, SENDING, TAKEN, UNKNOWN, Journal
from fhirconv.loader.letters import Letters
from fhirconv.loader.parcel import Parcel, key_of, placed
from fhirconv.loader.telling import told
from fhirconv.outcome import Issue
from fhirconv.upload import Result, Upload, entries_of, unsent

Left = tuple[dict[str, Result], list[Issue]]  # what is on the server, what is to be said


@dataclass
class Register:
    """Where everything that happens is written down, before anything that rests on it is done."""

    journal: Journal
    letters: Letters
    account: Account

    def announce(self, parcel: Parcel) -> None:
        """Write down that a parcel is about to be sent, where sending it twice would do harm."""
        if not (parcel.announced or parcel.is_repeatable):
            place = parcel.document.place
            self.journal.write(SENDING, now=True, digest=parcel.digest, place=place)
            parcel.announced = True

    def unfit(self, parcel: Parcel) -> list[Issue]:
        """Note a document that cannot be sent; return what is to be said."""
        self.account.count("failed")
        self.account.add(Upload(failed=parcel.refused))
        issues = [placed(issue, parcel) for issue in parcel.issues]
        if parcel.digest and parcel.document.data:
            self._put_aside(parcel, UNKNOWN if parcel.doubtful else REFUSED, issues)
        return issues

    def done(self, parcel: Parcel) -> Left:
        """Note a parcel that the server has answered; return what it brought."""
        uploads = [upload for _, upload in parcel.sent]
        if parcel.conflict:
            uploads = [unsent(bundle, parcel.conflict) for bundle in parcel.bundles]
        total = sum(uploads, Upload())
        if total.failed and not parcel.conflict:  # the bundles behind the one that failed
            total = sum(map(unsent, parcel.bundles[len(uploads) :]), total)
        brought = dict(_results(parcel))
        said = [
            told(issue, sent, parcel) for sent, upload in parcel.sent for issue in upload.issues
        ]
        said += [parcel.conflict] if parcel.conflict else []
        issues = [placed(issue, parcel) for issue in (*parcel.issues, *said)]
        self.account.add(total, len(parcel.there))
        if total.failed or parcel.conflict:
            self.account.count("failed")
            self._put_aside(parcel, REFUSED, issues)
        else:
            self._write_down(parcel)
            self.account.count("sent" if uploads else "skipped")
        return brought, issues

    def given_up(self, parcel: Parcel, error: ServerError) -> Left:
        """Note a parcel that failed in all its tries."""
        upload = error.upload if isinstance(error, AgainError) else unsent(parcel.bundles[0])
        message = f"{error.message}, in {parcel.tries} tries"
        said: Sequence[Issue] = [told(issue, parcel.under_way, parcel) for issue in upload.issues]
        said = said or (Issue("error", "transient", message, error.where),)
        return self._failed(parcel, REFUSED, upload, said)

    def unknown(self, parcel: Parcel, error: ServerError) -> Left:
        """Note a parcel of which nobody knows whether it was taken, and that would double."""
        message = (
            f"unknown whether taken, and not sent again as a POST would double it: {error.message}"
        )
        issue = Issue("error", "incomplete", message, error.where)
        return self._failed(parcel, UNKNOWN, unsent(parcel.bundles[0]), (issue,))

    def _failed(self, parcel: Parcel, event: str, upload: Upload, said: Sequence[Issue]) -> Left:
        issues = [placed(issue, parcel) for issue in (*parcel.issues, *said)]
        self.account.add(upload)
        self.account.count("failed")
        self._put_aside(parcel, event, issues)
        brought = dict(_results(parcel))
        return brought, issues

    def _put_aside(self, parcel: Parcel, event: str, issues: Sequence[Issue]) -> None:
        """Write the dead letter, and only then that there is one."""
        path = self.letters.put(parcel.document, parcel.digest, issues)
        place = parcel.document.place
        self.journal.write(event, digest=parcel.digest, place=place, letter=path.name)

    def _write_down(self, parcel: Parcel) -> None:
        resources = {
            key: [result.address or key, result.version, result.kind, parcel.writes[key].hex()]
            for key, result in _results(parcel)
        }
        place = parcel.document.place
        self.journal.write(TAKEN, digest=parcel.digest, place=place, resources=resources)
        self.letters.drop(parcel.digest)


def _results(parcel: Parcel) -> list[tuple[str, Result]]:
    """Return what became of each resource that a parcel brought, by its key."""
    return [
        (key, result)
        for bundle, upload in parcel.sent
        for entry, result in zip(entries_of(bundle), upload.results, strict=False)
        if result.kind != "failed" and (key := key_of(entry))
    ]
