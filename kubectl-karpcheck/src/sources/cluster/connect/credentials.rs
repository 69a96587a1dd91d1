//! A user's credentials, as kube can be given them.

use std::fs::File;

use kube::config::AuthInfo;

/// A user whose token is in a file: as it is now, without the line break that editors add. kube sends the file as it is.
pub(super) fn with_token(mut user: AuthInfo) -> Result<AuthInfo, String> {
    let Some(path) = user.token_file.take().filter(|path| !path.is_empty()) else { return Ok(user) };
    // The file counts where both are given and it can be read, as kubectl has it.
    match std::fs::read_to_string(&path) {
        Ok(token) => user.token = Some(token.trim().to_owned().into()),
        Err(error) if user.token.is_none() => return Err(format!("its token file {path} cannot be read: {error}")),
        Err(_) => {}
    }
    Ok(user)
}

/// A user whose credentials are such that kube can be given them: what it says of others has no name of a file in it, or is meant
/// for who builds it.
pub(super) fn with_credentials(user: AuthInfo) -> Result<AuthInfo, String> {
    if let Some(provider) =
        user.auth_provider.as_ref().filter(|provider| provider.name != "oidc" && user.exec.is_none())
    {
        let plugin = match provider.name.as_str() {
            "gcp" => {
                "gke-gcloud-auth-plugin (`gcloud container clusters get-credentials` writes it into the kubeconfig)"
            }
            "azure" => "kubelogin (`kubelogin convert-kubeconfig` writes it into the kubeconfig)",
            _ => "one of its provider",
        };
        return Err(format!(
            "its user has the auth-provider {}, and Kubernetes has removed these: an exec plugin takes its place, {plugin}",
            provider.name
        ));
    }
    let files = [
        ("client certificate", &user.client_certificate, user.client_certificate_data.is_some()),
        ("client key", &user.client_key, user.client_key_data.is_some()),
    ];
    for (what, path, has_data) in files {
        if let Some(path) = path.as_ref().filter(|_| !has_data)
            && let Err(error) = File::open(path)
        {
            return Err(format!("its {what} {path} cannot be read: {error}"));
        }
    }
    Ok(user)
}

/// Can the token stand in a header? kube panics where it cannot, as with one that was written with `token: |`.
pub(super) fn token_fits(user: &AuthInfo) -> bool {
    // The text of a secret is to be had as kube itself writes it, without a crate for it.
    let token = serde_json::to_value(user).ok().and_then(|mut user| user.get_mut("token").map(serde_json::Value::take));
    token.as_ref().and_then(serde_json::Value::as_str).is_none_or(|token| http::HeaderValue::from_str(token).is_ok())
}
