//! A variable or a secret of the Worker, as text.

use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use worker::{Env, EnvBinding};

#[wasm_bindgen]
extern "C" {
    /// Whatever the platform has under a name. `worker::Var` is a text alone, and looks at the constructor of what may
    /// have none.
    type Binding;
}

impl EnvBinding for Binding {
    const TYPE_NAME: &'static str = "any";

    fn get(value: JsValue) -> worker::Result<Self> {
        Ok(value.unchecked_into())
    }
}

/// The setting of that name; what is JSON is its text. `None` where there is none.
pub fn setting(env: &Env, name: &str) -> Option<String> {
    let value: JsValue = env.get_binding::<Binding>(name).ok()?.into();
    value.as_string().or_else(|| js_sys::JSON::stringify(&value).ok()?.as_string())
}
