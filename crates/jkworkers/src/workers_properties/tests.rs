use super::*;

#[test]
fn a_file_pasted_from_a_web_page_is_read() {
    let bytes = include_bytes!("../../tests/data/tomcat-pair.properties");
    let source = Source {
        name: "w.properties",
        bytes,
    };
    let workers = read(&[source], &[], "/", &|_| None);
    let names: Vec<&str> = workers.workers.iter().map(|w| &*w.name).collect();
    assert_eq!(names, ["loadbalancer", "jkstatus"]);
    assert_eq!(
        workers.diagnostics.to_string(),
        "w.properties:1: warning: U+3000 is read as a blank here; mod_jk takes it for a part of the text\n    \
         remedy: Replace it by a plain blank, or save the file without byte order mark.\n"
    );
}
