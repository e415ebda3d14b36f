"""Every diagnostic code and what it means. The first letter is the severity: error, warning, information."""

from types import MappingProxyType

_TEXT = {
    "E_FILE": "The file cannot be read.",
    "E_SYNTAX": "The text is not a readable YAML or JSON document.",
    "E_LIMIT": "Something is larger, deeper or longer than the language allows.",
    "E_VERSION": "The version is not one this release knows.",
    "E_SCHEMA": "Keys, types or words do not match the v1 language; one diagnostic names all such problems.",
}
_WORKFLOWS = {
    "E_STEP_AGENT_REF": "A step names an agent that is not declared.",
    "E_STEP_FUNCTION_REF": "A step names a function that is not declared.",
    "E_STEP_HUMAN_REF": "A step names a human that is not declared.",
    "E_STEP_WORKFLOW_REF": "A step names a workflow that is not declared.",
    "E_STEP_WORKFLOW_SELF_REF": "A step of a component workflow names that workflow itself.",
    "E_STEP_WORKFLOW_NESTED_HUMAN": "A step runs a workflow in which a person is asked.",
    "E_STEP_DUPLICATE_ID": "Two steps have the same id.",
    "E_STEP_FALLBACK_REF": "A step falls back on error but names no fallback.",
    "E_STEP_FALLBACK_UNKNOWN": "The fallback of a step does not exist.",
    "E_STEP_FALLBACK_HUMAN": "The fallback of a step is a human step.",
    "W_STEP_FALLBACK_DISABLED": "The fallback of a step is disabled.",
    "W_GRAPH_NODE_ID_MISMATCH": "A node's id differs from its key; the key counts.",
    "E_GRAPH_NODE_FALLBACK_REF": "A node falls back on error but names no fallback.",
    "E_GRAPH_NODE_FALLBACK_UNKNOWN": "The fallback of a node does not exist.",
    "E_GRAPH_NODE_FALLBACK_DISABLED": "The fallback of a node is disabled.",
    "E_GRAPH_FALLBACK_HUMAN": "The fallback of a node is a human node.",
    "E_GRAPH_START_UNKNOWN": "The start of a graph is not one of its nodes.",
    "E_GRAPH_START": "A graph cannot begin: its start is not one of its nodes.",
    "E_GRAPH_START_DISABLED": "The start of a graph is disabled.",
    "W_GRAPH_NODE_UNREACHABLE": "No way leads from the start to a node.",
    "E_GRAPH_MAX_STEPS": "A graph may visit no node at all.",
    "E_GRAPH_EDGE_FROM": "An edge leaves a node that does not exist.",
    "E_GRAPH_EDGE_TO": "An edge leads to a node that does not exist.",
    "E_CONDITION_VALUE": "A condition has nothing to compare with.",
    "E_CONDITION_KEY": "A condition does not say which key it looks at.",
    "E_CONDITION_CHILDREN": "A combined condition has no parts.",
    "E_CONDITION_CHILD": "A negated condition has nothing to negate.",
    "E_PARTICIPANT_DUPLICATE_ID": "Two participants have the same id.",
    "E_PARTICIPANT_FALLBACK_UNSUPPORTED": "A participant names a fallback, which only steps and nodes may.",
    "E_ORCHESTRATION_MULTI_HUMAN_UNSUPPORTED": "More than one person is asked at the same time.",
    "E_HANDOFF_SELECTOR_REF": "The order of a handoff names no participant.",
    "E_GROUP_CHAT_ROUNDS": "A group chat has no rounds.",
}
_AGENTS = {
    "E_TOOL_REF": "An agent includes a tool that is not declared.",
    "E_TOOL_CONFLICT": "An agent includes and excludes the same tool.",
    "E_TOOL_NO_BACKING": "A tool has neither implementation nor mcp nor agent.",
    "E_TOOL_MULTIPLE_BACKINGS": "A tool has more than one of implementation, mcp and agent.",
    "E_AGENT_TOOL_UNKNOWN_AGENT": "A tool is backed by an agent that is not declared.",
    "W_AGENT_TOOL_PARAMETERS_IGNORED": "The parameters of a tool backed by an agent are fixed.",
    "E_UNSAFE_TOOL_IMPORT": "A tool imports from a module that can reach the machine.",
    "E_UNSAFE_FUNCTION_IMPORT": "A function imports from a module that can reach the machine.",
    "W_TOOL_POLICY_UNRESTRICTED": "An agent has tools but no permissions.",
    "W_TOOL_NETWORK_UNRESTRICTED": "An agent may reach any host.",
    "W_TOOL_SHELL_ALLOWED": "An agent may run shell commands.",
    "W_TOOL_FILESYSTEM_WRITE_ALLOWED": "An agent may write files.",
    "W_TOOL_FILESYSTEM_READ_ALLOWED": "An agent may read files.",
    "W_HUMAN_APPROVAL_MISSING": "Something privileged is declared and nobody is asked.",
    "E_SKILL_REF": "An agent uses a skill that is not declared.",
    "E_RUNTIME_PREFERRED_NOT_ALLOWED": "The preferred mode is not among the allowed modes.",
    "E_RUNTIME_FALLBACK_NOT_ALLOWED": "The fallback mode is not among the allowed modes.",
    "W_RUNTIME_NATIVE_PROVIDER": "Native mode without a native provider.",
    "W_RUNTIME_ADAPTER_REF": "Adapter mode without an adapter.",
    "W_AGENT_MODEL": "A strategy that needs a model, and no model.",
    "E_MEMORY_POLICY_REQUIRED": "A memory block without a policy.",
    "E_GUARDRAIL_FIELDS": "A guardrail without id or type, or not a mapping.",
    "E_GUARDRAIL_MODE_UNSUPPORTED": "A guardrail mode other than middleware.",
    "E_GUARDRAIL_ACTION_UNSUPPORTED": "A guardrail action that its stage does not know.",
    "E_AS_AGENT_FIELDS": "An agent backed by a workflow carries fields of an ordinary agent.",
    "E_AS_AGENT_UNKNOWN_WORKFLOW": "An agent is backed by a workflow that is not declared.",
}
_COMPONENTS = {
    "E_HUMAN_DEFAULT_OPTION_NOT_IN_OPTIONS": "The default option of a human is not one of the options.",
    "E_HUMAN_SELECTION_REQUIRES_OPTIONS": "A selection without options.",
    "W_HUMAN_RESPONSE_ROLE_SYSTEM": "A person's answer is given the authority of a system prompt.",
    "E_MCP_MISSING_FIELD": "An MCP server lacks the field its transport needs.",
    "W_MCP_TLS_VERIFY_DISABLED": "The certificate of an MCP server is not verified.",
    "E_MCP_TOOL_NO_SERVER": "An MCP tool does not name its server.",
    "E_MCP_UNKNOWN_SERVER": "An MCP tool names a server that is not declared.",
    "E_BUILD_CYCLE": "Components need each other in a circle.",
}
_PLAN = {
    "E_UNSUPPORTED": "The language knows it, but this release cannot run it.",
    "E_WORKFLOW_EMPTY": "A workflow without an enabled step.",
    "E_AGENT_NAME": "An agent with an empty name.",
    "E_FUNCTION_PATH": "An implementation that is not a dotted path package.module.symbol.",
    "E_FUNCTION_NOT_ALLOWED": "A function from a module the operator has not allowed.",
}

_POLICIES = {
    "I_HUMAN_REVIEW_CONFIGURED": "People are declared whom the spec can ask; an entry of the policy report only.",
    "E_ENV_POLICY_DIAGNOSTIC": "The environment does not accept specs with a diagnostic that was given.",
    "E_ENV_POLICY_WARNING": "The environment accepts no warnings.",
    "E_ENV_POLICY_HUMAN_REVIEW": "The environment wants a person to be asked.",
    "E_ENV_POLICY_TOOL_PERMISSIONS": "The environment wants permissions for the tools of every agent.",
    "E_ENV_POLICY_UNRESTRICTED_TOOLS": "The environment does not accept tools without bounds.",
    "E_ENV_POLICY_GUARDRAILS": "The environment wants guardrails.",
}

MEANINGS = MappingProxyType(_TEXT | _WORKFLOWS | _AGENTS | _COMPONENTS | _PLAN | _POLICIES)
"""Code -> meaning, in the order of the pipeline: text, language, plan, environment."""
