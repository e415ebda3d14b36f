"""Certificates of an authority that exists for one test."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

SIGNS_CERTIFICATES = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """The files of a certificate and its key."""

    certificate: Path
    key: Path


class Authority:
    """Signs certificates; its own is in ``files``. Everything is written into ``directory``."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("authority")
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        builder = self._builder("authority", self._key.public_key()).add_extension(constraints, critical=True)
        builder = builder.add_extension(SIGNS_CERTIFICATES, critical=True)
        self.files = self._written("authority", builder, self._key)

    def certificate(self, name: str, *hosts: str) -> Certificate:
        """Return a certificate for ``name``, good for ``hosts`` and if there are none for the loopback address."""
        key = ec.generate_private_key(ec.SECP256R1())
        loopback = x509.IPAddress(ip_address("127.0.0.1"))
        names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts] or [loopback])
        return self._written(name, self._builder(name, key.public_key()).add_extension(names, critical=False), key)

    def _builder(self, name: str, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(issuer_name=self._name, subject_name=_name(name), public_key=key)
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = builder.add_extension(issuer, critical=False)
        return builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))

    def _written(self, name: str, builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey) -> Certificate:
        pem = serialization.Encoding.PEM
        files = Certificate(certificate=self._directory / f"{name}.crt", key=self._directory / f"{name}.key")
        files.certificate.write_bytes(builder.sign(self._key, hashes.SHA256()).public_bytes(pem))
        plain = serialization.NoEncryption()
        files.key.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
        return files


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
