//! What an agent's roles allow, so that pages can say beforehand what would be refused.

use fullmakt_domain::authz::Rule;
use fullmakt_domain::operation::Operation;

use crate::visitor::Agent;
use crate::words;

/// Why the agent may not do something, in a sentence that names the roles it takes; `None` where he may. The door decides
/// again.
pub fn lacking(agent: &Agent, operation: &Operation) -> Option<String> {
    let t = agent.visit().text;
    let Rule::Partner { roles, .. } = operation.rule else { return None };
    if agent.has(roles) {
        return None;
    }
    let roles: Vec<String> = roles.iter().map(|role| words::partner_role(t, *role)).collect();
    Some(t.with("role-lacking", "roles", roles.join(", ")))
}
