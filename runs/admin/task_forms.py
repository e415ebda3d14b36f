"""What a person fills in to answer a human task, as forms of the admin."""

import json
from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.core.validators import MaxLengthValidator

from humantasks.models import HumanTask
from humantasks.rules import Answer, Decision
from kneo_project.json_schema import JsonSchema, Problem
from kneo_project.redaction import redact, redact_text
from runs.admin.schema_fields import fields_of, value_of
from specs.language.plan import RequestType

PREFIX = "form."
ARGUMENTS = "argument."
HIDDEN = "Parts of the text are hidden from this page, so that it cannot be shown here: what you write replaces it all."


class DecisionForm(forms.Form):
    """What a person says with a decision, and what the form of ``task`` asks for, if it has one."""

    required_css_class = "required"

    comment = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Optional. Kept with the answer; the steps that follow a rejection read it.",
    )

    def __init__(self, *args: Any, task: HumanTask | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})
        self.fields["comment"].validators.append(MaxLengthValidator(settings.MAX_HUMAN_CONTENT_CHARS))
        self._schema: Mapping[str, Any] | None = task.form if task else None
        if self._schema is not None:
            self.fields = {**dict(fields_of(self._schema, PREFIX, {})), "comment": self.fields["comment"]}

    @property
    def filled(self) -> dict[str, Any] | None:
        """What was filled in, without what was left empty; None when the task asks for nothing."""
        return None if self._schema is None else value_of(self._schema, PREFIX, self.cleaned_data)

    def clean(self) -> dict[str, Any]:
        """Check the whole against the schema, and say what is wrong beside the field that is meant."""
        cleaned = super().clean() or {}
        if self._schema is not None and not self.errors:
            self._refuse_misfit(self._schema, PREFIX, value_of(self._schema, PREFIX, cleaned))
        return cleaned

    def _refuse_misfit(self, schema: Mapping[str, Any], prefix: str, value: object) -> None:
        if len(json.dumps(value, ensure_ascii=False).encode()) > settings.MAX_METADATA_BYTES:
            self.add_error(None, f"The form takes more than {settings.MAX_METADATA_BYTES} bytes as JSON.")
            return
        for problem in JsonSchema(schema).problems(value):
            self.add_error(self.field_of(problem, prefix), str(problem))

    def field_of(self, problem: Problem, prefix: str) -> str | None:
        """Return the name of the input that ``problem`` is about; None when it is about no single one."""
        places = (prefix + ".".join(map(str, problem.path[:depth])) for depth in (2, 1))
        return next((place for place in places if place in self.fields), None)


class AnswerForm(DecisionForm):
    """The answer to one human task: its form, its options, the text or the arguments to change, and a comment.

    ``decision`` is the button that was pressed, which decides what has to be there. Where several people have to agree,
    only who ``is_first`` fills in the form. ``parameters`` is the schema of the call whose arguments may be changed.
    """

    def __init__(
        self,
        *args: Any,
        task: HumanTask,
        offered: frozenset[Decision],
        decision: Decision | None = None,
        is_first: bool = True,
        parameters: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        is_rejection = decision is Decision.REJECTED
        super().__init__(*args, task=task if is_first and not is_rejection else None, **kwargs)
        self._decision, self._request_id = decision, str(task.request_id)
        self._parameters: Mapping[str, Any] | None = None
        if not is_rejection and Decision.SELECTED in offered:
            self._offer_options(task)
        if not is_rejection and offered & {Decision.EDITED, Decision.PROVIDED}:
            self._offer_text(task, parameters)
        self.order_fields([*(name for name in self.fields if name != "comment"), "comment"])

    def _offer_options(self, task: HumanTask) -> None:
        self.fields["selected_option"] = forms.ChoiceField(
            label="Options",
            choices=[(option, redact_text(option)) for option in task.options or ()],
            required=self._decision is Decision.SELECTED,
            initial=task.default_option,
            widget=forms.RadioSelect,
        )

    def _offer_text(self, task: HumanTask, parameters: Mapping[str, Any] | None) -> None:
        arguments = task.context.get("arguments")
        if parameters is not None and isinstance(arguments, dict):
            is_shown = redact(arguments) == arguments
            if self._decision is Decision.EDITED or self._decision is None:
                self._parameters = parameters
                for name, field in fields_of(parameters, ARGUMENTS, arguments if is_shown else {}):
                    field.is_change = True  # type: ignore[attr-defined]
                    self.fields[name] = field
            return
        is_shown = redact_text(task.input_text) == task.input_text
        is_edited = task.request_type != RequestType.FREEFORM
        field = forms.CharField(
            label="The text" if is_edited else "Your answer",
            required=self._decision is Decision.EDITED or (self._decision is Decision.PROVIDED and not task.form),
            initial=task.input_text if is_edited and is_shown else None,
            help_text="" if is_shown or not is_edited else HIDDEN,
            widget=forms.Textarea(attrs={"rows": 8}),
            strip=False,
            validators=[MaxLengthValidator(settings.MAX_HUMAN_CONTENT_CHARS)],
        )
        field.is_change = task.request_type in {RequestType.APPROVAL, RequestType.REVIEW}  # type: ignore[attr-defined]
        self.fields["text"] = field

    def clean(self) -> dict[str, Any]:
        """Check the changed arguments of a call, too."""
        cleaned = super().clean()
        if self._parameters is not None and self._decision is Decision.EDITED and not self.errors:
            self._refuse_misfit(self._parameters, ARGUMENTS, value_of(self._parameters, ARGUMENTS, cleaned))
        return cleaned

    def answer(self, decision: Decision) -> Answer:
        """Return the answer; a comment stands where the text would, unless there is one."""
        comment = self.cleaned_data["comment"] or None
        content, metadata = comment, {}
        if decision in {Decision.EDITED, Decision.PROVIDED}:
            content, metadata = self._content() or None, {"comment": comment} if comment else {}
        return Answer(
            request_id=self._request_id,
            decision=decision,
            content=content,
            selected_option=self.cleaned_data.get("selected_option") if decision is Decision.SELECTED else None,
            form=self.filled,
            metadata=metadata,
        )

    def _content(self) -> str:
        if self._parameters is not None:
            return json.dumps(value_of(self._parameters, ARGUMENTS, self.cleaned_data), ensure_ascii=False)
        return str(self.cleaned_data.get("text") or "")

    @property
    def is_changed(self) -> bool:
        """Whether the text or the arguments were to be changed."""
        return self._decision is Decision.EDITED

    def rows(self, *, changes: bool) -> list[forms.BoundField]:
        """Return the inputs but the comment: those of a change, or those of the answer itself."""
        names = [name for name, field in self.fields.items() if getattr(field, "is_change", False) is changes]
        return [self[name] for name in names if name != "comment"]
