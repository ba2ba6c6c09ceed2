"""The prerequisites of all stacks: an administrator runs this program once for each account.

Owns: the bucket for the stacks' state, the OIDC provider through which GitHub's jobs sign in, the
roles of continuous integration and operators, and the passphrases that encrypt secrets in state.
This is a separate Pulumi program (`Pulumi.yaml` in this folder), because the stacks need all of
this before they can start. Does not own: the resources of a stack, or the members of a team.

`sign_in` uses the result: it exchanges a job's token, or a person's session, for the variables that
the CLI needs. docs/explanation/state-and-identity.md explains how to run it.
"""

__all__: list[str] = []
