//! The platform, as `platform.js` and `tasks.js` put it: every wait is a promise, and every failure an `Err`.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use js_sys::{Promise, Uint8Array};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;

/// The functions themselves.
pub mod js {
    use js_sys::{Promise, Uint8Array};
    use wasm_bindgen::prelude::*;
    use worker::Env;

    #[wasm_bindgen(raw_module = "./platform.js")]
    extern "C" {
        pub fn head(request: &JsValue) -> Vec<String>;
        #[wasm_bindgen(js_name = responseHead)]
        pub fn response_head(response: &JsValue) -> Vec<String>;
        pub fn ask(
            env: &Env,
            binding: Option<&str>,
            url: &str,
            method: &str,
            pairs: Vec<String>,
            body: &JsValue,
            within: u32,
        ) -> Promise;
        #[wasm_bindgen(catch)]
        pub fn reader(response: &JsValue) -> Result<JsValue, JsValue>;
        pub fn read(body: &JsValue) -> Promise;
        pub fn cancel(body: &JsValue);
        pub fn write(writer: &JsValue, bytes: Uint8Array) -> Promise;
        pub fn close(writer: &JsValue) -> Promise;
        pub fn closed(writer: &JsValue) -> Promise;
        pub fn abort(writer: &JsValue);
        pub fn kv(env: &Env, key: &str) -> Promise;
        pub fn cached(url: &str) -> Promise;
        pub fn store(url: &str, bytes: Uint8Array, life: &str, seconds: f64, tags: &str) -> Promise;
        pub fn timer(ms: u32) -> JsValue;
        pub fn rings(timer: &JsValue) -> Promise;
        pub fn stop(timer: &JsValue);
        pub fn random() -> Vec<u8>;
        #[wasm_bindgen(catch, js_name = bodyOf)]
        pub fn body_of(request: &JsValue) -> Result<JsValue, JsValue>;
    }

    #[wasm_bindgen(raw_module = "./tasks.js")]
    extern "C" {
        pub fn ring(task: u32);
        pub fn awaited(promise: &Promise) -> JsValue;
        #[wasm_bindgen(js_name = stateOf)]
        pub fn state_of(awaited: &JsValue) -> u8;
        #[wasm_bindgen(js_name = valueOf)]
        pub fn value_of(awaited: &JsValue) -> JsValue;
        #[wasm_bindgen(catch)]
        pub fn reply(task: u32, status: u16, pairs: Vec<String>, body: &JsValue) -> Result<(), JsValue>;
        #[wasm_bindgen(catch)]
        pub fn stream(task: u32, status: u16, pairs: Vec<String>) -> Result<JsValue, JsValue>;
        #[wasm_bindgen(catch)]
        pub fn relay(
            task: u32,
            response: &JsValue,
            without: Vec<String>,
            bodiless: bool,
        ) -> Result<(), JsValue>;
    }
}

/// Something that the platform has promised to the task that is being polled. It may never be kept: where a visitor
/// went away, the platform forgets what it was to bring. So nothing here waits for it but what is dropped with this.
pub struct Promised(JsValue);

/// A wait that ends by itself, and is taken back when it is dropped.
pub struct Timer {
    timer: JsValue,
    rings: Promised,
}

impl From<Promise> for Promised {
    fn from(promise: Promise) -> Self {
        Promised(js::awaited(&promise))
    }
}

impl Future for Promised {
    type Output = Result<JsValue, JsValue>;

    /// Its end rings the task, whatever the waker.
    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        match js::state_of(&self.0) {
            0 => Poll::Pending,
            1 => Poll::Ready(Ok(js::value_of(&self.0))),
            _ => Poll::Ready(Err(js::value_of(&self.0))),
        }
    }
}

impl Timer {
    /// Ends after so many milliseconds.
    pub fn after(ms: u32) -> Timer {
        let timer = js::timer(ms);
        let rings = js::rings(&timer).into();
        Timer { timer, rings }
    }
}

impl Future for Timer {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.rings).poll(context).map(drop)
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        js::stop(&self.timer);
    }
}

/// What a future comes to, unless that takes longer.
pub fn within<'f, T: 'f>(
    ms: u32,
    future: impl Future<Output = T> + 'f,
) -> impl Future<Output = Option<T>> + 'f {
    bounded(ms, Box::pin(future))
}

/// One for each outcome, and not for each future: each would weigh as much.
async fn bounded<T>(ms: u32, mut future: Pin<Box<dyn Future<Output = T> + '_>>) -> Option<T> {
    let mut timer = Timer::after(ms);
    std::future::poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => Pin::new(&mut timer).poll(context).map(|()| None),
    })
    .await
}

/// The bytes that a promise brought; `None` where it brought something else.
pub fn bytes(value: JsValue) -> Option<Vec<u8>> {
    value.dyn_into::<Uint8Array>().ok().map(|bytes| bytes.to_vec())
}

/// Bytes, for the platform to keep.
pub fn array(bytes: &[u8]) -> Uint8Array {
    Uint8Array::from(bytes)
}
