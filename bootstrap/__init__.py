"""What must be there before any stack can be: run once for an account, by an administrator.

Owns: the bucket of the stacks' state, the OIDC provider by which GitHub's jobs sign in, the roles
of continuous integration and of operators, and the passphrases that encrypt secrets in state. A
Pulumi program of its own (`Pulumi.yaml` in this folder), as the stacks need all this to begin.
Does not own what a stack is made of, nor who is in which team.

`sign_in` is the other end: it turns a job's token, or a person's session, into what the CLI needs.
docs/explanation/state-and-identity.md says how to run it.
"""

__all__: list[str] = []
