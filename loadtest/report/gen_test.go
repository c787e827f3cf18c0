package report
import ("testing";"os")
func TestGen(t *testing.T){ for _,s:=range samples { r:=sample(t,s.name); p,err:=Page(r); if err!=nil{t.Fatal(err)}; os.WriteFile("/tmp/h4/"+s.name+".html",p,0o644); os.WriteFile("/tmp/h4/"+s.name+".txt",[]byte(Summary(r)),0o644)}
 text,_:=Compare(sample(t,"passed"),sample(t,"wrong")); os.WriteFile("/tmp/h4/cmp.txt",[]byte(text),0o644)}
