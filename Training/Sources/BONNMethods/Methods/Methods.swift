/// The methods that can be asked for by name: a line here and a file of its own each.
public enum Methods {
    /// All of them.
    public static let all: [any Method.Type] = [
        BONN.self,
        FullPrecision.self,
        XNORNet.self,
        BiRealNet.self,
        ABCNet.self,
        TBN.self,
        ReActNet.self,
        BinaryConnect.self,
        BNN.self,
        BNNPlus.self,
        BWN.self,
        DoReFaNet.self,
        TangNet.self,
        IRNet.self,
        ReCU.self,
        AdaBin.self,
        PCNN.self,
        MCN.self,
        BNNDL.self,
        ReBNN.self,
        ELQ.self,
        Zhuang.self,
        RBCN.self,
        ModernBONN.self,
        Bop.self,
        BopSecondOrder.self,
        BayesByBackprop.self,
        WAGE.self,
    ]

    /// What recipes and command lines call them.
    public static let names = all.map { $0.card.name }

    /// The one of recipes that name none: the first.
    public static var usual: any Method { all[0].init() }

    /// The method of a name, or nil.
    public static func named(_ name: String) -> (any Method.Type)? {
        all.first { $0.card.name == name }
    }
}
