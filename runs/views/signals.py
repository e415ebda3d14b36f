"""Telling a run that something has happened."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from kneo_project.api.answers import MomentField, missing, refusals
from kneo_project.api.permissions import actor_of
from kneo_project.api.serializers import JsonObjectField, StrictSerializer
from kneo_project.api.views import ApiView
from runs.errors import IdempotencyKeyConflict, InvalidIdempotencyKey, InvalidSignal, RunStateConflict, SignalNotFound
from runs.idempotency import word_in
from runs.models import Signal
from runs.signalling import SCOPE, send_signal
from runs.tasks import ring
from runs.views import examples
from runs.views.callers import parsed_id
from runs.views.runs import KEY_HEADER


class SignalRequestSerializer(StrictSerializer):
    """What is told with a signal."""

    payload = JsonObjectField(limit="MAX_METADATA_BYTES", default=dict)


class SignalSerializer(serializers.Serializer[Signal]):
    """A signal that was kept for its run."""

    id = serializers.IntegerField(source="pk")
    run_id = serializers.CharField()
    name = serializers.CharField()
    received_at = MomentField()


class SignalView(ApiView):
    """Something that happened outside a run."""

    required_scope = "runs:write"

    @extend_schema(
        tags=["runs"],
        parameters=[KEY_HEADER],
        request=SignalRequestSerializer,
        responses={
            202: SignalSerializer,
            **refusals(
                "runs:write",
                missing("body"),
                SignalNotFound(run_id=examples.RUN_ID, signal="paid"),
                RunStateConflict(run_id=examples.RUN_ID, status="completed"),
                InvalidSignal(field="payload.amount"),
                InvalidIdempotencyKey(),
                IdempotencyKeyConflict(scope=SCOPE),
            ),
        },
        examples=[examples.order("a payment came in", {"payload": {"amount": 120}})],
    )
    def post(self, request: Request, run_id: str, name: str) -> Response:
        """Keep a signal for a run, which takes it when it waits for it."""
        word = word_in(request.headers.get("Idempotency-Key"))
        body = self.read_body(request, SignalRequestSerializer)
        signal = send_signal(parsed_id(run_id), name, body["payload"], actor=actor_of(request), word=word)
        ring(signal.run_id, signal.run.queue)
        return Response(SignalSerializer(signal).data, status=202)
