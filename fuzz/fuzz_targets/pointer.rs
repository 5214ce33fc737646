//! Any bytes are refused as a pointer of a site, and as a site's configuration or its kill switch never panic.
#![no_main]

use hemstitch::kill_switch::KillSwitch;
use hemstitch::pointer::{Pointer, PointerKeys};
use hemstitch::site::Site;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: Vec<u8>| {
    let key = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    let keys = PointerKeys::new([("k", key)]).expect("the public key of RFC 8032, test 1");
    assert!(Pointer::verify(&input, &keys, "acme").is_err());
    let _ = Site::parse(&input);
    let _ = KillSwitch::parse(&String::from_utf8_lossy(&input));
});
