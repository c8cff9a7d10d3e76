package demo

// people.go: the candidates, as a table. Names are from everywhere: marks,
// other scripts, apostrophes, one name only, very long ones.

import "github.com/atshub/atshub/internal/sandbox/smartrecruiters"

// Stages of the hiring processes, as the ATS spells them.
var (
	applied     = smartrecruiters.Stage{Status: smartrecruiters.Started}
	lead        = smartrecruiters.Stage{Status: smartrecruiters.Lead}
	screening   = smartrecruiters.Stage{Status: smartrecruiters.InReview, SubStatus: "Screening"}
	phoneScreen = smartrecruiters.Stage{Status: smartrecruiters.InReview, SubStatus: "Phone Screen"}
	firstTalk   = smartrecruiters.Stage{Status: smartrecruiters.Interviewed, SubStatus: "First Interview"}
	panel       = smartrecruiters.Stage{Status: smartrecruiters.Interviewed, SubStatus: "Panel"}
	offered     = smartrecruiters.Stage{Status: smartrecruiters.Offered, SubStatus: "Verbal Offer"}
	rejected    = smartrecruiters.Stage{Status: smartrecruiters.Rejected}
	withdrawn   = smartrecruiters.Stage{Status: smartrecruiters.Withdrawn}
)

// seat is a candidate before the story begins.
type seat struct {
	handle, first, last string
	job                 string
	stage               smartrecruiters.Stage
}

var seats = []seat{
	// Nordwind Logistik, Hamburg.
	{"agnes", "Ágnes", "Szőke-Várhelyi", dock, phoneScreen},
	{"bjorn", "Bjørn", "Ødegård", dock, phoneScreen},
	{"chioma", "Chioma", "Okonkwo-Eze", dock, phoneScreen},
	{"dmytro", "Дмитро", "Ковальчук", dock, phoneScreen},
	{"emre", "Emre", "Çelikoğlu", dock, screening},
	{"fatima", "فاطمة", "الزهراء", dock, screening},
	{"goran", "Goran", "Đukić", dock, screening},
	{"hana", "佐藤", "花", dock, screening},
	{"ines", "Inês", "d'Ávila", dock, screening},
	{"johann", "Jóhann", "Sigurðsson", dock, screening},
	{"suharto", "", "Wiryawan", dock, applied},
	{"noor", "Noor", "van der Heijden", dock, withdrawn},

	{"kwabena", "Kwabena", "Asante-Mensah", fleet, phoneScreen},
	{"lukasz", "Łukasz", "Wąsikowski", fleet, phoneScreen},
	{"mai", "Thị Mai", "Nguyễn", fleet, phoneScreen},
	{"siobhan", "Siobhán", "O'Rourke", fleet, screening},
	{"tomas", "Tomáš", "Říha", fleet, screening},
	{"yusuf", "Yusuf", "Öztürk", fleet, applied},
	{"vilma", "Vilma", "Jääskeläinen", fleet, firstTalk},
	{"pavel", "Павел", "Щербаков", fleet, rejected},

	{"anais", "Anaïs", "L'Hôpital", customs, phoneScreen},
	{"bartolomeu", "Bartolomeu Luís Henrique", "de Alcântara Figueiredo e Vasconcelos-Pimentel", customs, phoneScreen},
	{"cho", "민준", "김", customs, phoneScreen},
	{"dagny", "Dagný", "Þórhallsdóttir", customs, phoneScreen},
	{"eleni", "Ελένη", "Παπαδοπούλου", customs, screening},
	{"femi", "Olúwafẹ́mi", "Adébáyọ̀", customs, screening},
	{"gwen", "Gwenllïan", "ap Rhys", customs, applied},
	{"halina", "Halina", "Żółtowska", customs, rejected},

	{"ivana", "Ivana", "Šestak", shift, firstTalk},
	{"jeronimo", "Jerónimo", "Ibáñez", shift, firstTalk},
	{"kaveh", "کاوه", "تهرانی", shift, panel},
	{"lin", "梓涵", "林", shift, screening},
	{"marta", "Márta", "Erdős", shift, applied},

	// Brightwater Health, Bristol.
	{"zoe", "Zoë", "Kravets-O'Neill", nurse, firstTalk},
	{"aarav", "आरव", "शर्मा", nurse, firstTalk},
	{"brid", "Bríd", "Ní Dhomhnaill", nurse, firstTalk},
	{"chinenye", "Chinenye", "Nwachukwu", nurse, panel},
	{"duc", "Đức", "Phạm", nurse, firstTalk},
	{"elodie", "Élodie", "Lefèvre", nurse, panel},
	{"fiadh", "Fiadh", "Mac Giolla Phádraig", nurse, screening},
	{"ganesh", "கணேஷ்", "சுப்பிரமணியன்", nurse, applied},
	{"hilde", "Hildegard", "Größl", nurse, applied},
	{"wanjiru", "Wanjirũ", "Kamau", nurse, applied},

	{"ibrahim", "إبراهيم", "الحسن", data, screening},
	{"jadwiga", "Jadwiga", "Krzyżanowska", data, screening},
	{"kiri", "Kirī", "Te Whāiti", data, applied},
	{"leila", "Leïla", "Ben Saïd", data, applied},
	{"mehmet", "Mehmet", "Yıldırım", data, applied},
	{"ngozi", "Ngozi", "Ọbásanjọ́", data, firstTalk},
	{"olafur", "Ólafur", "Guðmundsson", data, rejected},
	{"petra", "Petra", "Nováčková", data, lead},

	{"qiang", "强", "王", radio, firstTalk},
	{"rhiannon", "Rhiannon", "Llewellyn", radio, firstTalk},
	{"sven", "Sven-Åke", "Sjöström", radio, panel},
	{"tala", "Tala", "", radio, screening},
	{"ugne", "Ugnė", "Žukauskaitė", radio, applied},
	{"viktor", "Віктор", "Гриценко", radio, applied},
	{"wiremu", "Wiremu", "Ngāta", radio, withdrawn},

	{"xenia", "Ξένια", "Οικονόμου", ward, firstTalk},
	{"yara", "Yara", "Conceição", ward, screening},
	{"zbigniew", "Zbigniew", "Brzęczyszczykiewicz", ward, screening},
	{"aoife", "Aoife", "Ó Súilleabháin", ward, applied},
	{"bohdan", "Богдан", "Ткаченко", ward, offered},
	{"catalina", "Cătălina", "Ștefănescu", ward, applied},
}
