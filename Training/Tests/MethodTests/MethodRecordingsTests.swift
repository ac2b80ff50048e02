import BONNMethods
import BONNTrainer
import Testing

/// That every method has recorded numbers, and that they are read.
@Suite struct MethodRecordingsTests {
    @Test func `every method has a recording, and every recording a method`() throws {
        let paths = try MethodRecording.paths()
        #expect(Set(paths.keys) == Set(Methods.names))
        for (name, path) in paths {
            let recording = try MethodRecording.load(path)
            let records = recording.records(of: name)
            if recording.withoutQuantizer == nil {
                #expect(
                    records.contains { $0.kind == .quantizer }, "\(name) has no quantizer's case")
            }
            for record in records {
                let configuration = try record.configuration()
                #expect(configuration.model.method.name == name, "\(record.testDescription)")
                #expect(!record.inputs.isEmpty, "\(record.testDescription)")
            }
            #expect(MethodRecording.all[name]?.records(of: name).count == records.count)
        }
    }

    @Test(arguments: MethodRecord.Kind.allCases)
    func `there are cases of each kind`(kind: MethodRecord.Kind) {
        #expect(!MethodRecord.all(kind).isEmpty)
    }
}
