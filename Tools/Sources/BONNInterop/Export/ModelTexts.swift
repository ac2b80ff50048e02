import BONNModelFormat

extension ModelFile {
    /// Texts of the metadata as the model file has them, in the order of the keys; those it lacks are left out.
    ///
    /// The certificate is none of them: it says nothing about another program.
    func texts(_ keys: [Name]) throws(ModelFormatError) -> [(key: Name, value: String)] {
        let file = ModelFile(
            metadata: ModelMetadata(
                graph: metadata.graph, preprocessing: metadata.preprocessing,
                classNames: metadata.classNames, provenance: metadata.provenance),
            tensors: tensors)
        let texts = try Safetensors.read(try file.serialized(digest: false)).metadata
        return keys.compactMap { key in texts[key].map { (key: key, value: $0) } }
    }
}
