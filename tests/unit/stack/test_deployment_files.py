"""What a deployment is made of says what the code says: compose.yaml, the manifests, the examples, the workflows."""

import re
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

from kneo_project.cli.role_commands import app
from tests.documentation.pages import blocks, blocks_of

ROOT = Path(__file__).parents[3]
KUBERNETES = ROOT / "docker" / "kubernetes"
ENVIRONMENT_PAGE = (ROOT / "docs" / "environment.md").read_text()
VARIABLES = set(re.findall(r"^\| `(KNEO_\w+)` \|", ENVIRONMENT_PAGE, flags=re.MULTILINE))
ROLES = {command.name for command in app.registered_commands}
PROGRAMS = ("web", "events", "worker", "beat")
ENOUGH_TO_HAND_OVER = 10  # seconds; the acceptance test allows three


def manifests() -> Iterator[dict[str, Any]]:
    """Yield every manifest of the base and the components."""
    for path in sorted(KUBERNETES.glob("base/*.yaml")) + sorted(KUBERNETES.glob("components/*/*.yaml")):
        if path.name != "kustomization.yaml":
            yield from yaml.safe_load_all(path.read_text())


def manifest(kind: str, name: str) -> dict[str, Any]:
    """Return the only manifest of this kind and name."""
    (found,) = (each for each in manifests() if each["kind"] == kind and each["metadata"]["name"] == name)
    return found


def pods() -> dict[str, dict[str, Any]]:
    """Return the specification of each pod, by what runs in it."""
    found = [each for each in manifests() if each["kind"] in {"Deployment", "Job"}]
    return {each["metadata"]["name"].removeprefix("kneo-"): each["spec"]["template"]["spec"] for each in found}


SETTINGS: dict[str, str] = manifest("ConfigMap", "kneo-settings")["data"]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def test_a_worker_has_time_to_hand_its_runs_over() -> None:
    timeout = int(SETTINGS["KNEO_SERV_SHUTDOWN_TIMEOUT_SECONDS"])
    assert pods()["worker"]["terminationGracePeriodSeconds"] >= timeout + ENOUGH_TO_HAND_OVER
    assert int(COMPOSE["worker"]["stop_grace_period"].removesuffix("s")) >= 1 + ENOUGH_TO_HAND_OVER


def test_every_program_has_a_pod_and_a_service_that_start_it() -> None:
    assert set(pods()) == {*PROGRAMS, "migrate"}
    for name, pod in pods().items():
        assert pod["containers"][0]["args"] == COMPOSE[name]["command"] == [name]
        assert name in ROLES


@pytest.mark.parametrize("name", [*PROGRAMS, "migrate"])
def test_a_pod_may_do_nothing_that_it_need_not(name: str) -> None:
    pod = pods()[name]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    service = COMPOSE[name]
    assert (service["read_only"], service["cap_drop"], service["tmpfs"]) == (True, ["ALL"], ["/tmp"])


@pytest.mark.parametrize("program", PROGRAMS)
def test_nodes_are_drained_one_pod_at_a_time(program: str) -> None:
    budget = manifest("PodDisruptionBudget", f"kneo-{program}")["spec"]
    template = manifest("Deployment", f"kneo-{program}")["spec"]["template"]
    assert budget["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
    assert budget["maxUnavailable"] == 1


def test_workers_are_scaled_by_a_metric_that_exists() -> None:
    scaled = manifest("ScaledObject", "kneo-worker")["spec"]
    (trigger,) = scaled["triggers"]
    (metric,) = re.findall(r"kneo_\w+", trigger["metadata"]["query"])
    assert f'"{metric}"' in (ROOT / "runs" / "inspection" / "measures.py").read_text()
    assert manifest("Deployment", scaled["scaleTargetRef"]["name"])


def test_secrets_are_files_and_every_setting_is_known() -> None:
    names = {name.removesuffix("_FILE") for name in SETTINGS}
    assert {name for name in names if name.startswith("KNEO_")} <= VARIABLES
    assert all(value.startswith("/run/secrets/kneo/") for name, value in SETTINGS.items() if name.endswith("_FILE"))
    assert not names & set(SETTINGS) & {"KNEO_SERV_SECRET_KEY", "KNEO_SERV_API_KEYS", "KNEO_SERV_DATABASE_URL"}


@pytest.mark.parametrize("name", ["production", "staging"])
def test_an_example_of_the_environment_names_variables_that_exist(name: str) -> None:
    text = (ROOT / "docker" / f"{name}.env.example").read_text()
    named = set(re.findall(r"^(KNEO_\w+)=", text, flags=re.MULTILINE))
    assert named - VARIABLES == set()
    assert "KNEO_SERV_AUTH_ENABLED=true" in text


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_by_its_commit_and_nobody_may_more_than_read(path: Path) -> None:
    used = re.findall(r"uses: (\S+)", path.read_text())
    assert used
    assert [each for each in used if not re.fullmatch(r"\./.+|[\w.-]+(/[\w.-]+)+@[0-9a-f]{40}", each)] == []
    assert yaml.safe_load(path.read_text())["permissions"] == {}


def test_nothing_is_published_before_every_gate_is_passed() -> None:
    release = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())["jobs"]
    publishing = {name for name, job in release.items() if "pypi-publish" in str(job) or "imagetools" in str(job)}
    assert publishing == {"publish"}
    assert set(release["publish"]["needs"]) == {"wheel", "image"}
    assert release["wheel"]["needs"] == release["image"]["needs"] == "ci"


def test_the_unit_of_the_page_starts_a_program_and_gives_it_time_to_stop() -> None:
    (text,) = blocks("deploy.md", "ini")
    unit = ConfigParser(strict=True)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(text)
    service = unit["Service"]
    assert service["ExecStart"].split()[1] in ROLES
    assert int(service["TimeoutStopSec"]) >= 1 + ENOUGH_TO_HAND_OVER
    assert service["User"] != "root"


def test_the_proxy_of_the_page_tells_what_the_service_relies_on() -> None:
    places, headers = blocks("deploy.md", "nginx")
    (pattern,) = re.findall(r"location ~ (\S+) \{", places)
    assert [path for path in ("/v1/events", "/v1/runs/1/events") if re.search(pattern, path)]
    assert not re.search(pattern, "/v1/audit-events")
    (patience,) = (int(found) for found in re.findall(r"proxy_read_timeout (\d+)s", places))
    assert patience > settings.SYNC_WAIT_SECONDS
    assert places.count("include proxy_headers;") == 2
    (limit,) = (int(found) for found in re.findall(r"client_max_body_size (\d+)m", places))
    assert limit * 2**20 >= settings.MAX_BODY_BYTES
    assert re.findall(r"proxy_set_header (\S+)", headers) == ["Host", "X-Forwarded-Proto", "X-Forwarded-For"]


def test_the_secrets_that_the_page_has_made_are_those_that_the_pods_read() -> None:
    (command,) = (block.text for block in blocks_of("deploy.md") if block.text.startswith("kubectl create secret"))
    made = set(re.findall(r"--from-file=([\w-]+)", command))
    assert made == {Path(value).name for name, value in SETTINGS.items() if name.endswith("_FILE")}
    assert f"secret generic {pods()['web']['volumes'][0]['secret']['secretName']} " in command
