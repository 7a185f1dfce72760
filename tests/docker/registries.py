"""Real registries on this host, and images pushed into them over their API."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import ssl
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from egx_project.lib.clock import SystemClock, wait_for
from tests.docker import programs
from tests.e2e.running import quiet_port
from updates.channels.oci import manifests

USER, PASSWORD = "ann", "an open secret"
HTPASSWD = "$2b$05$abcdefghijklmnopqrstuuwqFllrwe2AMtA5/0jSydclgLK6H/vHq"
"""Of the password, as bcrypt has it."""
SERVICE, ISSUER = "registry of the tests", "the tests"


@dataclass(frozen=True)
class Authority:
    """A CA that nobody knows yet, and certificates by it."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def bundle(self) -> Path:
        return self.folder / "ca.pem"

    def issue(self, name: str) -> tuple[Path, Path]:
        """Certificate and key for a host."""
        key = ec.generate_private_key(ec.SECP256R1())
        try:
            alternative: x509.GeneralName = x509.IPAddress(ip_address(name))
        except ValueError:
            alternative = x509.DNSName(name)
        made = (
            _certificate(name, issuer=self.certificate.subject, key=key)
            .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        crt, pem = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        crt.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        pem.write_bytes(_pem(key))
        return crt, pem


def authority(folder: Path) -> Authority:
    folder.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a company's own CA")])
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    made = (
        _certificate("a company's own CA", issuer=name, key=key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "ca.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return Authority(folder=folder, key=key, certificate=made)


def _certificate(
    name: str, *, issuer: x509.Name, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
) -> x509.CertificateBuilder:
    now = dt.datetime.now(tz=dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
    )


def _pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


@dataclass(frozen=True)
class Pushed:
    digest: str
    """What a tag points at."""
    by_architecture: Mapping[str, str]
    size: int
    """Of what one architecture pulls."""


@dataclass
class Running:
    """A registry that answers, and whoever may push to it."""

    port: int
    scheme: str = "http"
    headers: dict[str, str] = field(default_factory=dict)
    verify: ssl.SSLContext | bool = False
    address: str = "127.0.0.1"

    @property
    def host(self) -> str:
        return f"{self.address}:{self.port}"

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=f"{self.scheme}://{self.host}", headers=self.headers, verify=self.verify,
                            trust_env=False)  # fmt: skip

    def blob(self, repository: str, content: bytes) -> dict[str, Any]:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        with self.client() as client:
            where = client.post(f"/v2/{repository}/blobs/uploads/").raise_for_status().headers["location"]
            put = client.put(str(httpx.URL(where).copy_merge_params({"digest": digest})), content=content)
            put.raise_for_status()
        return {"digest": digest, "size": len(content)}

    def manifest(self, repository: str, reference: str, document: Mapping[str, Any]) -> str:
        """Its digest. Without a reference it is put by its digest."""
        raw = json.dumps(document).encode()
        digest = f"sha256:{hashlib.sha256(raw).hexdigest()}"
        with self.client() as client:
            client.put(
                f"/v2/{repository}/manifests/{reference or digest}",
                content=raw,
                headers={"content-type": str(document["mediaType"])},
            ).raise_for_status()
        return digest

    def push(
        self,
        repository: str,
        tag: str,
        *,
        architectures: Sequence[str] = ("amd64", "arm64"),
        content: bytes = b"a layer",
        index: bool = True,
    ) -> Pushed:
        """An image with one layer; without an index, of the first architecture."""
        entries, digests, size = [], {}, 0
        for arch in architectures if index else architectures[:1]:
            config = self.blob(repository, json.dumps({"os": "linux", "architecture": arch}).encode())
            layer = self.blob(repository, content)
            document = {
                "schemaVersion": 2,
                "mediaType": manifests.MANIFEST,
                "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **config},
                "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", **layer}],
            }
            digest = self.manifest(repository, "" if index else tag, document)
            size = config["size"] + layer["size"]
            digests[arch] = digest
            entries.append({
                "mediaType": manifests.MANIFEST, "digest": digest, "size": len(json.dumps(document)),
                "platform": {"os": "linux", "architecture": arch},
            })  # fmt: skip
        whole = {"schemaVersion": 2, "mediaType": manifests.INDEX, "manifests": entries}
        digest = self.manifest(repository, tag, whole) if index else digests[architectures[0]]
        return Pushed(digest=digest, by_architecture=digests, size=size)

    def refer(self, repository: str, subject: str, document: Mapping[str, Any], *entry: Mapping[str, Any]) -> str:
        """Attach a manifest to a digest by the tag that stands for its referrers, as where there is no API for it."""
        raw = json.dumps(document).encode()
        digest = self.manifest(repository, "", document)
        mine = {
            "mediaType": document["mediaType"], "digest": digest, "size": len(raw),
            "artifactType": document.get("artifactType", ""),
        }  # fmt: skip
        whole = {"schemaVersion": 2, "mediaType": manifests.INDEX, "manifests": [*entry, mine]}
        self.manifest(repository, subject.replace(":", "-"), whole)
        return digest


@contextmanager
def registry(
    folder: Path,
    *,
    tls: tuple[Path, Path] | None = None,
    auth: Mapping[str, Any] | None = None,
    address: str = "127.0.0.1",
) -> Iterator[Running]:
    """A registry of its own, with its storage in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    port = quiet_port()
    http: dict[str, Any] = {"addr": f"{address}:{port}", "secret": "of a test"}
    if tls:
        http["tls"] = {"certificate": str(tls[0]), "key": str(tls[1])}
    settings = {
        "version": 0.1,
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(folder / "storage")}, "delete": {"enabled": True}},
        "http": http,
        **({"auth": auth} if auth else {}),
    }
    config = folder / "config.yml"
    config.write_text(json.dumps(settings))  # JSON is YAML
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([programs.registry(), "serve", str(config)], stdout=log, stderr=log)
    running = Running(port=port, scheme="https" if tls else "http", address=address)
    try:
        answers = wait_for(lambda: _answers(running, process), clock=SystemClock(), seconds=20)
        assert answers, (folder / "log").read_text()
        yield running
    finally:
        process.terminate()
        process.wait(timeout=10)


def _answers(running: Running, process: subprocess.Popen[bytes]) -> bool | None:
    assert process.poll() is None
    try:
        with running.client() as client:
            client.get("/v2/")
    except httpx.TransportError:
        return None
    return True


def htpasswd(folder: Path) -> dict[str, Any]:
    """The part of a registry's settings that asks for user and password."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "htpasswd"
    file.write_text(f"{USER}:{HTPASSWD}\n")
    return {"htpasswd": {"realm": "tests", "path": str(file)}}


def basic() -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()}


# --- tokens -----------------------------------------------------------------------------------------------------------


@dataclass
class TokenServer:
    """Gives tokens that a registry believes, to whoever has the password; and to strangers, to read."""

    url: str
    bundle: Path
    key: rsa.RSAPrivateKey
    certificate: x509.Certificate
    asked: list[dict[str, str]] = field(default_factory=list)
    strangers: bool = True
    """Whether they may read."""

    @property
    def auth(self) -> dict[str, Any]:
        return {"token": {"realm": f"{self.url}/token", "service": SERVICE, "issuer": ISSUER,
                          "rootcertbundle": str(self.bundle)}}  # fmt: skip

    def token(self, scope: str) -> str:
        kind, _, rest = scope.partition(":")
        name, _, actions = rest.rpartition(":")
        now = int(dt.datetime.now(tz=dt.UTC).timestamp())
        der = self.certificate.public_bytes(serialization.Encoding.DER)
        head = {"typ": "JWT", "alg": "RS256", "x5c": [base64.b64encode(der).decode()]}
        claims = {
            "iss": ISSUER, "aud": SERVICE, "sub": "", "exp": now + 300, "nbf": now - 10, "iat": now, "jti": "1",
            "access": [{"type": kind, "name": name, "actions": actions.split(",")}],
        }  # fmt: skip
        text = ".".join(_part(json.dumps(part).encode()) for part in (head, claims))
        return f"{text}.{_part(self.key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def _part(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@contextmanager
def token_server(folder: Path) -> Iterator[TokenServer]:
    folder.mkdir(parents=True, exist_ok=True)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tokens")])
    certificate = _certificate("tokens", issuer=name, key=key).sign(key, hashes.SHA256())
    bundle = folder / "tokens.pem"
    bundle.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    class Tokens(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
            said = self.headers.get("authorization", "")
            serving.asked.append({**query, "authorization": said})
            known = said == basic()["authorization"]
            if (said and not known) or (not said and not serving.strangers):
                self.send_error(401)
                return
            body = json.dumps({"token": serving.token(query["scope"]), "expires_in": 300}).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Tokens)
    server.daemon_threads = True
    serving = TokenServer(f"http://127.0.0.1:{server.server_address[1]}", bundle, key, certificate)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield serving
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
