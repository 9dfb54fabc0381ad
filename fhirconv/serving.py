"""Files of a folder, served for as long as a FHIR server fetches them."""

import secrets
import shutil
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from fhirconv.errors import UsageError
from fhirconv.files import reason

FHIR_NDJSON = "application/fhir+ndjson"
PATIENCE = 60  # seconds of silence of who fetches


@contextmanager
def served(folder: Path, names: Iterable[str], host: str, port: int) -> Iterator[str]:
    """Yield the address under which files of a folder can be fetched, each under its name.

    Nothing else is served, and nobody can guess the address. Port 0 is a free one. Raises
    UsageError where nothing can listen there.
    """
    begin = f"/{secrets.token_urlsafe(24)}/"
    listed = {begin + name: folder / name for name in names}
    try:
        server = ThreadingHTTPServer((host, port), _handler(listed))
    except (OSError, OverflowError) as error:
        why = reason(error) if isinstance(error, OSError) else "no such port"
        raise UsageError(f"nothing can listen at {host}:{port}: {why}") from error
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{server.server_port}{begin}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(listed: Mapping[str, Path]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = PATIENCE

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: the address is nobody's business."""

        def do_HEAD(self) -> None:
            self._head()

        def do_GET(self) -> None:
            path = self._head()
            if path:
                with path.open("rb") as file:
                    shutil.copyfileobj(file, self.wfile)

        def _head(self) -> Path | None:
            path = listed.get(self.path)
            if path is None:
                self.send_error(404)
                return None
            self.send_response(200)
            self.send_header("Content-Type", FHIR_NDJSON)
            self.send_header("Content-Length", str(path.stat().st_size))
            self.end_headers()
            return path

    return Handler
